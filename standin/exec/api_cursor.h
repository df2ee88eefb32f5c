/*
 * api_cursor.h - API server cursors: sp_cursoropen, sp_cursorfetch and their kin. The session's thread only.
 *
 * A cursor is a snapshot of its result, in memory: static or forward only, and read only. What else is asked
 * for (keyset, dynamic, updatable) is changed to that, and told so in the output parameters, as the server
 * does where a query doesn't allow the type asked for. Positioned changes (sp_cursor) are refused: 16929.
 */
#ifndef STANDIN_EXEC_API_CURSOR_H
#define STANDIN_EXEC_API_CURSOR_H

#include "standin/exec/proc.h"

typedef struct ApiCursor ApiCursor;

void api_cursor_add(ProcRegistry *r);
/* Close all of the session's. */
void api_cursor_close_all(Session *s);

#endif
