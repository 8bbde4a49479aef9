/* SPDX-License-Identifier: GPL-2.0 */
/* The errors of who asks for what is not there. */
#ifndef RACELESS_BPF_MISSING_H
#define RACELESS_BPF_MISSING_H

/* @error: of a system call, negative. */
static inline int raceless_may_be_missing(long error)
{
	switch (-error) {
	case 2:	 /* ENOENT */
	case 3:	 /* ESRCH */
	case 6:	 /* ENXIO */
	case 8:	 /* ENOEXEC */
	case 19: /* ENODEV */
	case 22: /* EINVAL */
	case 38: /* ENOSYS */
	case 79: /* ELIBACC */
	case 80: /* ELIBBAD */
	case 92: /* ENOPROTOOPT */
	case 93: /* EPROTONOSUPPORT */
	case 94: /* ESOCKTNOSUPPORT */
	case 95: /* EOPNOTSUPP */
	case 97: /* EAFNOSUPPORT */
		return 1;
	default:
		return 0;
	}
}

#endif /* RACELESS_BPF_MISSING_H */
