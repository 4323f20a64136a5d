// simdjson's DOM behind a C interface: parse once, then walk values that are 16-byte handles into the document.
//
// A document borrows nothing of the text (simdjson copies strings into its own memory), and its values are valid until
// it is destroyed or parses again. One document is used by one thread at a time.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A parser with the memory of the document that it parsed last.
typedef struct berth_json_document berth_json_document;

/// A value of a document.
typedef struct { uint64_t handle[2]; } berth_json_value;

/// A position among the elements of an array or the members of an object.
typedef struct { uint64_t current[2]; uint64_t end[2]; } berth_json_iterator;

typedef enum {
    berth_json_null, berth_json_bool, berth_json_int64, berth_json_uint64, berth_json_double,
    berth_json_string, berth_json_array, berth_json_object
} berth_json_kind;

/// NULL when memory runs out.
berth_json_document *berth_json_create(void);
void berth_json_destroy(berth_json_document *document);

/// Parses a whole text of `length` bytes. On success returns NULL and sets `root`, else what is wrong.
const char *berth_json_parse(
    berth_json_document *document, const char *text, size_t length, size_t depth, berth_json_value *root);

berth_json_kind berth_json_get_kind(berth_json_value value);
/// Each reads a value that is known to be of its kind; false when it is not.
bool berth_json_get_bool(berth_json_value value, bool *out);
bool berth_json_get_int64(berth_json_value value, int64_t *out);
bool berth_json_get_double(berth_json_value value, double *out);
bool berth_json_get_string(berth_json_value value, const char **bytes, size_t *length);

/// The value as minified JSON text, to be freed with free(); NULL when memory runs out.
char *berth_json_copy_text(berth_json_value value, size_t *length);

bool berth_json_iterate_array(berth_json_value value, berth_json_iterator *iterator);
bool berth_json_next_element(berth_json_iterator *iterator, berth_json_value *element);
/// Reads up to `capacity` elements, numbers or nulls, which become NaN. Fewer are read at the array's end, and before an
/// element that is neither: false then, and the element in `wrong`.
bool berth_json_next_numbers(
    berth_json_iterator *iterator, double *out, size_t capacity, size_t *count, berth_json_value *wrong);
bool berth_json_iterate_object(berth_json_value value, berth_json_iterator *iterator);
bool berth_json_next_member(
    berth_json_iterator *iterator, const char **key, size_t *key_length, berth_json_value *value);

#ifdef __cplusplus
}
#endif
