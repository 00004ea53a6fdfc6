#include "service/tokens.h"
typedef int lf_empty_tokens;
