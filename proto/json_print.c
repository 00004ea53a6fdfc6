#include "proto/json.h"
typedef int lf_empty_json_print;
