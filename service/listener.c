#include "service/rpc.h"
typedef int lf_empty_listener;
