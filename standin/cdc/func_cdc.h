/* func_cdc.h - sys.fn_cdc_… and the change functions of each capture instance. */
#ifndef STANDIN_CDC_FUNC_CDC_H
#define STANDIN_CDC_FUNC_CDC_H

#include "standin/store/sysobj.h"

void func_cdc_add(SysRegistry *r);

#endif
