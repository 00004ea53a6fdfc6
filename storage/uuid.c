#include "storage/log.h"
typedef int lf_empty_uuid;
