#include "service/http/tls/client_names.h"

#include <openssl/x509v3.h>
#include <stdbool.h>
#include <string.h>

#include "proto/base/limits.h"

enum { NAMES_MAX = 16, BYTES_MAX = 4096 };

/* Names as they are found; the texts are copied behind one another. */
struct collected {
	size_t count, used;
	struct lf_slice items[NAMES_MAX];
	char bytes[BYTES_MAX];
};

static void collect(struct collected *names, const char *text, int length)
{
	if (length <= 0 || length > LF_ID_BYTES_MAX || names->count == NAMES_MAX ||
		(size_t)length > sizeof(names->bytes) - names->used)
		return;
	for (int i = 0; i < length; i++)
		if (text[i] <= ' ' || text[i] > '~' || text[i] == '*')
			return;
	names->items[names->count++] = (struct lf_slice){names->bytes + names->used, (size_t)length};
	memcpy(names->bytes + names->used, text, (size_t)length);
	names->used += (size_t)length;
}

static void collect_alternative(struct collected *names, const GENERAL_NAMES *all, int type)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		const GENERAL_NAME *one = sk_GENERAL_NAME_value(all, i);

		if (one->type == type) /* both are an IA5String */
			collect(names, (const char *)ASN1_STRING_get0_data(one->d.ia5), ASN1_STRING_length(one->d.ia5));
	}
}

static bool has_type(const GENERAL_NAMES *all, int type)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++)
		if (sk_GENERAL_NAME_value(all, i)->type == type)
			return true;
	return false;
}

/* The last one, which is the most specific; by its UTF-8 bytes. */
static void collect_common_name(struct collected *names, X509 *certificate)
{
	X509_NAME *subject = X509_get_subject_name(certificate);
	unsigned char *text = NULL;
	int at = -1, last = -1, length;

	while ((at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0)
		last = at;
	if (last < 0)
		return;
	length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)));
	if (length > 0)
		collect(names, (const char *)text, length);
	OPENSSL_free(text);
}

static void collect_all(struct collected *names, X509 *certificate)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

	if (has_type(all, GEN_URI) || has_type(all, GEN_DNS)) {
		collect_alternative(names, all, GEN_URI);
		collect_alternative(names, all, GEN_DNS);
	} else
		collect_common_name(names, certificate);
	GENERAL_NAMES_free(all);
}

struct lf_rpc_names *lf_http_client_names(SSL *ssl)
{
	struct collected names = {.count = 0};
	X509 *certificate = SSL_get0_peer_certificate(ssl);

	if (certificate == NULL || SSL_get_verify_result(ssl) != X509_V_OK)
		return NULL;
	collect_all(&names, certificate);
	return names.count > 0 ? lf_rpc_names_new(names.items, names.count) : NULL;
}
