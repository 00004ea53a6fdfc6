/* The one object of libleadfit that is not in an archive. */
const char *lf_version(void);

/* Version of the library, e.g. "0.1.0". Static storage. */
const char *lf_version(void)
{
	return LF_VERSION;
}
