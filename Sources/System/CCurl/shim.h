// libcurl as Debian ships it (libcurl4-openssl-dev). curl_easy_setopt is variadic,
// which Swift does not import: one typed inline function per kind of argument.
#pragma once
#include <curl/curl.h>
