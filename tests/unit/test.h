/* test.h - cmocka and the four libc headers it wants, in their order. */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#endif
