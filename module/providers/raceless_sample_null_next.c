// SPDX-License-Identifier: GPL-2.0
/*
 * null, the next version: the same provider in a module of another name and
 * without an alias, as one that is to replace the other side by side has to be.
 */
#define VERSION 2
#include "raceless_sample_null.c"
