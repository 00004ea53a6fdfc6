#include "client/files/key.h"

#include "client/files/input.h"

enum lf_code lf_key_take(const char *text, struct lf_verifier *verifier, struct lf_error *error)
{
	struct lf_input input = {0};

	if (lf_verifier_parse(text, verifier))
		return LF_OK;
	if (lf_input_read(&input, text, false, error) != LF_OK)
		lf_error_set(error, LF_INVALID_ARGUMENT,
			"--key: %s is neither a verifier key, NAME+ID+BASE64, nor a file that can be read", text);
	else if (!lf_verifier_parse(input.text, verifier))
		lf_error_set(error, LF_INVALID_ARGUMENT,
			"--key: the file %s does not hold a verifier key alone: NAME+ID+BASE64 on one line", text);
	lf_input_clean_up(&input);
	return error->code;
}
