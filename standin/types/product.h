/*
 * product.h - the version the stand-in shows: pre-login, LOGINACK, SERVERPROPERTY('ProductVersion') and
 * @@VERSION must agree, for clients choose their ways by it. SQL Server 2022's, CU16.
 */
#ifndef STANDIN_TYPES_PRODUCT_H
#define STANDIN_TYPES_PRODUCT_H

#define PRODUCT_VERSION_TEXT "16.0.4165.4"
enum {
    PRODUCT_MAJOR = 16,
    PRODUCT_MINOR = 0,
    PRODUCT_BUILD = 4165,
    PRODUCT_VERSION_WORD = PRODUCT_MAJOR << 24 | PRODUCT_MINOR << 16 | PRODUCT_BUILD, /* as on the wire */
};

#endif
