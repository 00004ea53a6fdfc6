#include "client/client.h"
typedef int lf_empty_client;
