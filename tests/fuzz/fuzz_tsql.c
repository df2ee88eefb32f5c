/*
 * fuzz_tsql.c - the T-SQL lexer and parser over any bytes: no crash, no endless recursion; an error always
 * has a number and a text. First byte: QUOTED_IDENTIFIER. clang -fsanitize=fuzzer,address,undefined -I. -Isrc
 * tests/fuzz/fuzz_tsql.c <standin/tsql>.c <standin/types>.c src/base/{arena,buf,err,mem,str,utf}.c -lm
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "standin/tsql/parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    Arena arena = {0};
    AstBatch batch;
    SqlError e = {0};
    ParserOptions options = {.quoted_identifier = data[0] % 2 == 0};
    Str text = {(const char *)data + 1, size - 1};
    if (!parser_batch(text, &options, &arena, &batch, &e)) assert(e.number != 0 && e.text[0] != '\0');
    AstName name;
    (void)parser_name(text, &arena, &name);
    arena_done(&arena);
    return 0;
}
