-- The quick start's source: three tables of a warehouse. Runs on any SQL Server (sqlcmd -i, or tsql).
CREATE DATABASE warehouse_source
GO
USE warehouse_source
GO
CREATE TABLE dbo.customers (
    id         int IDENTITY(1, 1) NOT NULL CONSTRAINT pk_customers PRIMARY KEY,
    public_id  uniqueidentifier NOT NULL CONSTRAINT df_customers_public_id DEFAULT NEWID(),
    name       nvarchar(100) NOT NULL,
    email      nvarchar(200) NULL,
    city       nvarchar(60) NULL,
    credit     money NOT NULL,
    is_active  bit NOT NULL,
    created_at datetime2(3) NOT NULL
)
GO
CREATE TABLE dbo.orders (
    id          int IDENTITY(1, 1) NOT NULL CONSTRAINT pk_orders PRIMARY KEY,
    customer_id int NOT NULL CONSTRAINT fk_orders_customers REFERENCES dbo.customers (id),
    status      nvarchar(20) NOT NULL,
    total       decimal(12, 2) NOT NULL,
    note        nvarchar(200) NULL,
    placed_at   datetime2(7) NOT NULL
)
GO
CREATE TABLE dbo.line_items (
    order_id int NOT NULL CONSTRAINT fk_line_items_orders REFERENCES dbo.orders (id),
    line_no  int NOT NULL,
    sku      nvarchar(30) NOT NULL,
    quantity int NOT NULL,
    price    money NOT NULL,
    discount decimal(5, 4) NULL,
    CONSTRAINT pk_line_items PRIMARY KEY (order_id, line_no)
)
GO
