/*
 * typecode.h - a Type as one integer: how bound SQL tells a registered function the types of its arguments.
 * Plain values; any thread.
 */
#ifndef STANDIN_BIND_TYPECODE_H
#define STANDIN_BIND_TYPECODE_H

#include <stdint.h>

#include "standin/types/type.h"

int64_t typecode_of(const Type *t);
Type typecode_type(int64_t code);

#endif
