SELECT TOP (2) WITH TIES t.id, COUNT(*) OVER (PARTITION BY a ORDER BY id), CASE WHEN a IS NULL THEN 'n' ELSE s END FROM dbo.t AS t WITH (NOLOCK) LEFT JOIN t AS u ON u.id = t.id + 1 WHERE t.a BETWEEN 1 AND 100 OR t.s LIKE N'%x_[a-z]' ESCAPE '!' GROUP BY t.id, a, s HAVING COUNT(*) > 0 ORDER BY a DESC
go
WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20) SELECT i, SUM(i) OVER (ORDER BY i) FROM n ORDER BY i OFFSET 5 ROWS FETCH NEXT 3 ROWS ONLY OPTION (MAXRECURSION 50)
go
DECLARE @i int = 0, @s nvarchar(max) = N'', @t TABLE (a int, b xml)
WHILE @i < 5 BEGIN SET @i += 1; IF @i = 3 CONTINUE; SET @s = @s + CAST(@i AS varchar(10)); INSERT @t(a) VALUES (@i) END
SELECT @s, MAX(a), MIN(a), AVG(a) FROM @t
go
BEGIN TRY BEGIN TRAN; UPDATE t SET a = a / 0, s = REPLICATE(N'x', 60) OUTPUT deleted.id, inserted.a WHERE id = 1; COMMIT END TRY
BEGIN CATCH SELECT ERROR_NUMBER(), ERROR_MESSAGE(), XACT_STATE(); IF @@TRANCOUNT > 0 ROLLBACK; THROW END CATCH
go
CREATE TABLE x (id bigint IDENTITY(5, -2) PRIMARY KEY NONCLUSTERED, p decimal(38, 10) NOT NULL CHECK (p > 0), q datetime2(3) DEFAULT SYSUTCDATETIME(), r rowversion, g uniqueidentifier ROWGUIDCOL DEFAULT NEWID(), f int REFERENCES t(id) ON DELETE CASCADE)
CREATE UNIQUE INDEX ix ON x (q DESC) INCLUDE (p) WHERE p > 5
INSERT x(p) OUTPUT inserted.* SELECT 1.5 UNION ALL SELECT 2 EXCEPT SELECT 3
ALTER TABLE x ADD c AS p * 2 PERSISTED, y varchar(10) COLLATE Latin1_General_BIN2 NULL
ALTER TABLE x ALTER COLUMN y nvarchar(20) NULL
DROP INDEX ix ON x
TRUNCATE TABLE x
DROP TABLE IF EXISTS x
go
EXEC sys.sp_cdc_enable_db
EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N't', @role_name = NULL, @supports_net_changes = 1
DELETE t WHERE id = 2
EXEC sys.sp_cdc_scan
SELECT __$operation, id FROM cdc.fn_cdc_get_all_changes_dbo_t(sys.fn_cdc_get_min_lsn('dbo_t'), sys.fn_cdc_get_max_lsn(), N'all update old')
EXEC sys.sp_cdc_disable_table N'dbo', N't', N'all'
go
SELECT CONVERT(varchar(30), CAST('2026-02-28 23:59:59.997' AS datetime), 121), DATEADD(month, 1, '20240131'), DATEDIFF(day, 0, GETDATE()), FORMAT(1234.5, 'N2'), TRY_CAST('x' AS int), PARSENAME('a.b.c', 2), STRING_AGG(s, ',') WITHIN GROUP (ORDER BY id), CHECKSUM(*), HASHBYTES('SHA2_256', 'x') FROM t
go
INSERT INTO t(id, a) EXEC sp_executesql N'SELECT @p, 1', N'@p int', @p = 77; SAVE TRAN z; RAISERROR (N'%s %d', 16, 1, N'a', 5) WITH NOWAIT; PRINT N'done'; SELECT @@ROWCOUNT, SCOPE_IDENTITY(), @@VERSION
go
SELECT name, object_id, t.* FROM sys.tables AS o CROSS APPLY (SELECT TOP 1 c.name AS c FROM sys.columns AS c WHERE c.object_id = o.object_id ORDER BY column_id) AS t FOR XML PATH
