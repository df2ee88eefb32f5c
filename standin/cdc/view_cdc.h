/* view_cdc.h - the dynamic management views: log scans, their errors, services, this session, settings. */
#ifndef STANDIN_CDC_VIEW_CDC_H
#define STANDIN_CDC_VIEW_CDC_H

#include "standin/store/sysobj.h"

void view_cdc_add(SysRegistry *r);

#endif
