/* Words: a module's class, a flag, then name=value pairs, ended by ';'. A value may stand in double quotes,
 * with \ before a quote or a \ inside. One module is all that Kafka takes. */
#include "transport/kafka_jaas.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

typedef struct Word {
    const char *module; /* ending of the class's name */
    const char *option, *name;
} Word;

static const Word words[] = {
    {"PlainLoginModule", "username", "sasl.username"},
    {"PlainLoginModule", "password", "sasl.password"},
    {"ScramLoginModule", "username", "sasl.username"},
    {"ScramLoginModule", "password", "sasl.password"},
    {"Krb5LoginModule", "keyTab", "sasl.kerberos.keytab"},
    {"Krb5LoginModule", "principal", "sasl.kerberos.principal"},
    {"Krb5LoginModule", "serviceName", "sasl.kerberos.service.name"},
    {"OAuthBearerLoginModule", "clientId", "sasl.oauthbearer.client.id"},
    {"OAuthBearerLoginModule", "clientSecret", "sasl.oauthbearer.client.secret"},
    {"OAuthBearerLoginModule", "scope", "sasl.oauthbearer.scope"},
};
enum { WORDS = sizeof words / sizeof *words };

static void skip_blanks(Str *s) {
    while (s->n > 0 && isspace((unsigned char)*s->p)) *s = str_sub(*s, 1, s->n);
}

static Str take_word(Str *s) {
    size_t n = 0;
    skip_blanks(s);
    while (n < s->n && !isspace((unsigned char)s->p[n]) && s->p[n] != ';' && s->p[n] != '=') n++;
    Str word = str_sub(*s, 0, n);
    *s = str_sub(*s, n, s->n);
    return word;
}

static bool bad(Err *e) {
    return err_set(e, ERR_INVALID, false, "isn't of the form `<login module> required name=\"value\" …;`");
}

static bool take_value(Str *s, Buf *out, Err *e) {
    buf_clear(out);
    skip_blanks(s);
    if (s->n == 0 || *s->p != '"') {
        Str word = take_word(s);
        buf_str(out, word);
        return word.n > 0 || bad(e);
    }
    size_t i = 1;
    for (; i < s->n && s->p[i] != '"'; i++) {
        if (s->p[i] == '\\' && i + 1 < s->n) i++;
        buf_u8(out, (uint8_t)s->p[i]);
    }
    if (i >= s->n) return bad(e);
    *s = str_sub(*s, i + 1, s->n);
    return true;
}

static void add_item(KafkaJaas *j, Str module, Str option, Buf *value) {
    for (size_t i = 0; i < WORDS; i++) {
        if (!str_ends(module, str_from(words[i].module)) || !str_eq_c(option, words[i].option)) continue;
        if (j->count == KAFKA_JAAS_MAX) return;
        j->items[j->count++] = (KafkaJaasItem){words[i].name, x_strdup(buf_text(value))};
        return;
    }
    textlist_add(&j->unknown, option);
}

static bool is_known(Str module) {
    for (size_t i = 0; i < WORDS; i++)
        if (str_ends(module, str_from(words[i].module))) return true;
    return false;
}

bool kafka_jaas_parse(Str text, KafkaJaas *ret, Err *e) {
    Str s = text, module = take_word(&s), flag = take_word(&s);
    if (module.n == 0 || flag.n == 0) return bad(e);
    if (!is_known(module))
        return err_set(e, ERR_INVALID, false,
                       "has a login module that isn't there: PlainLoginModule, ScramLoginModule, "
                       "Krb5LoginModule and OAuthBearerLoginModule are");
    CLEANUP(buf_done) Buf value = {0};
    bool ok = true;
    for (;;) {
        Str option = take_word(&s);
        skip_blanks(&s);
        if (option.n == 0) break;
        if (s.n == 0 || *s.p != '=') ok = bad(e);
        if (ok) s = str_sub(s, 1, s.n);
        if (!ok || !take_value(&s, &value, e)) {
            kafka_jaas_done(ret);
            return false;
        }
        add_item(ret, module, option, &value);
    }
    if (value.p) explicit_bzero(value.p, value.cap);
    if (s.n == 1 && *s.p == ';') return true;
    if (s.n > 1) { /* a second module, or text behind the end */
        Str rest = str_trim(str_sub(s, 1, s.n));
        if (*s.p == ';' && rest.n == 0) return true;
    }
    kafka_jaas_done(ret);
    return bad(e);
}

void kafka_jaas_done(KafkaJaas *j) {
    for (size_t i = 0; i < j->count; i++) {
        explicit_bzero(j->items[i].value, strlen(j->items[i].value));
        free(j->items[i].value);
    }
    textlist_done(&j->unknown);
    *j = (KafkaJaas){0};
}
