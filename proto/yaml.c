#include "proto/json.h"
typedef int lf_empty_yaml;
