#include "standin/capture/atomic_work.h"

static const Str SAVEPOINT = {"cdc_procedure", sizeof "cdc_procedure" - 1};

bool atomic_run(Session *s, AtomicWork *work, void *arg, SqlError *e) {
    Txn *t = session_txn(s);
    SqlError ignored;
    if (txn_count(t) == 0) {
        txn_begin(t, (Str){0});
        if (work(s, arg, e)) return txn_commit(t, e);
        txn_rollback_all(t);
        return false;
    }
    if (!txn_save(t, SAVEPOINT, e)) return false;
    if (work(s, arg, e)) return true;
    /* A deadlock has undone the transaction already. */
    if (txn_count(t) > 0 && !txn_is_doomed(t) && !txn_rollback(t, SAVEPOINT, &ignored)) txn_rollback_all(t);
    return false;
}
