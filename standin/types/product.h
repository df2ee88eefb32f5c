/*
 * product.h - the version the stand-in shows: pre-login, LOGINACK, SERVERPROPERTY('ProductVersion') and
 * @@VERSION must agree. SQL Server 2019's, without any update: clients choose their ways by it.
 */
#ifndef STANDIN_TYPES_PRODUCT_H
#define STANDIN_TYPES_PRODUCT_H

#define PRODUCT_VERSION_TEXT "15.0.2000.5"
enum {
    PRODUCT_MAJOR = 15,
    PRODUCT_MINOR = 0,
    PRODUCT_BUILD = 2000,
    PRODUCT_VERSION_WORD = PRODUCT_MAJOR << 24 | PRODUCT_MINOR << 16 | PRODUCT_BUILD, /* as on the wire */
};

#endif
