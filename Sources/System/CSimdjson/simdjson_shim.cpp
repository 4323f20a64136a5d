#include "CSimdjson.h"

#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <simdjson.h>
#include <type_traits>

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

struct berth_json_document {
    simdjson::dom::parser parser;
};

namespace {
// A handle is simdjson's own element or iterator, copied byte by byte.
template <typename To, typename From> To copied(const From &from) {
    static_assert(sizeof(To) == sizeof(From), "handles are as large as simdjson's");
    static_assert(std::is_trivially_copyable<To>::value && std::is_trivially_copyable<From>::value, "plain bytes");
    To to;
    std::memcpy(static_cast<void *>(&to), &from, sizeof to);
    return to;
}
struct half { uint64_t words[2]; };

element of(berth_json_value value) { return copied<element>(value); }

template <typename Iterator, typename Container>
void begin(const Container &container, berth_json_iterator *iterator) {
    half first = copied<half>(container.begin()), last = copied<half>(container.end());
    std::memcpy(iterator->current, first.words, sizeof first);
    std::memcpy(iterator->end, last.words, sizeof last);
}
template <typename Iterator> Iterator current(const berth_json_iterator *iterator) {
    half words;
    std::memcpy(words.words, iterator->current, sizeof words);
    return copied<Iterator>(words);
}
template <typename Iterator> Iterator end(const berth_json_iterator *iterator) {
    half words;
    std::memcpy(words.words, iterator->end, sizeof words);
    return copied<Iterator>(words);
}
template <typename Iterator> void set(berth_json_iterator *iterator, const Iterator &position) {
    half words = copied<half>(position);
    std::memcpy(iterator->current, words.words, sizeof words);
}
}  // namespace

berth_json_document *berth_json_create(void) { return new (std::nothrow) berth_json_document(); }
void berth_json_destroy(berth_json_document *document) { delete document; }

const char *berth_json_parse(
    berth_json_document *document, const char *text, size_t length, size_t depth, berth_json_value *root) {
    try {
        // The depth is part of the memory that is allocated; growing the capacity keeps it.
        if (document->parser.max_depth() != depth || document->parser.capacity() < length) {
            auto error = document->parser.allocate(length > 4096 ? length : 4096, depth);
            if (error) return simdjson::error_message(error);
        }
        element parsed;
        auto error = document->parser.parse(text, length, true).get(parsed);
        if (error) return simdjson::error_message(error);
        *root = copied<berth_json_value>(parsed);
        return nullptr;
    } catch (const std::exception &) {
        return "out of memory";
    }
}

berth_json_kind berth_json_get_kind(berth_json_value value) {
    switch (of(value).type()) {
    case simdjson::dom::element_type::ARRAY: return berth_json_array;
    case simdjson::dom::element_type::OBJECT: return berth_json_object;
    case simdjson::dom::element_type::INT64: return berth_json_int64;
    case simdjson::dom::element_type::UINT64: return berth_json_uint64;
    case simdjson::dom::element_type::DOUBLE: return berth_json_double;
    case simdjson::dom::element_type::STRING: return berth_json_string;
    case simdjson::dom::element_type::BOOL: return berth_json_bool;
    default: return berth_json_null;
    }
}

bool berth_json_get_bool(berth_json_value value, bool *out) { return of(value).get(*out) == simdjson::SUCCESS; }
bool berth_json_get_int64(berth_json_value value, int64_t *out) { return of(value).get(*out) == simdjson::SUCCESS; }
bool berth_json_get_double(berth_json_value value, double *out) { return of(value).get(*out) == simdjson::SUCCESS; }

bool berth_json_get_string(berth_json_value value, const char **bytes, size_t *length) {
    std::string_view text;
    if (of(value).get(text)) return false;
    *bytes = text.data();
    *length = text.size();
    return true;
}

char *berth_json_copy_text(berth_json_value value, size_t *length) {
    try {
        std::string text = simdjson::to_string(of(value));
        char *copy = static_cast<char *>(std::malloc(text.size() + 1));
        if (copy == nullptr) return nullptr;
        std::memcpy(copy, text.c_str(), text.size() + 1);
        *length = text.size();
        return copy;
    } catch (const std::exception &) {
        return nullptr;
    }
}

bool berth_json_iterate_array(berth_json_value value, berth_json_iterator *iterator) {
    array items;
    if (of(value).get(items)) return false;
    begin<array::iterator>(items, iterator);
    return true;
}

bool berth_json_next_element(berth_json_iterator *iterator, berth_json_value *next) {
    auto position = current<array::iterator>(iterator);
    if (!(position != end<array::iterator>(iterator))) return false;
    *next = copied<berth_json_value>(*position);
    set(iterator, ++position);
    return true;
}

bool berth_json_next_numbers(
    berth_json_iterator *iterator, double *out, size_t capacity, size_t *count, berth_json_value *wrong) {
    auto position = current<array::iterator>(iterator);
    const auto last = end<array::iterator>(iterator);
    bool sound = true;
    size_t read = 0;
    for (; read < capacity && position != last; ++position, ++read) {
        element next = *position;
        if (next.get(out[read]) == simdjson::SUCCESS) continue;
        if (next.is_null()) {
            out[read] = std::numeric_limits<double>::quiet_NaN();
            continue;
        }
        *wrong = copied<berth_json_value>(next);
        sound = false;
        break;
    }
    *count = read;
    set(iterator, position);
    return sound;
}

bool berth_json_iterate_object(berth_json_value value, berth_json_iterator *iterator) {
    object members;
    if (of(value).get(members)) return false;
    begin<object::iterator>(members, iterator);
    return true;
}

bool berth_json_next_member(
    berth_json_iterator *iterator, const char **key, size_t *key_length, berth_json_value *value) {
    auto position = current<object::iterator>(iterator);
    if (!(position != end<object::iterator>(iterator))) return false;
    std::string_view name = position.key();
    *key = name.data();
    *key_length = name.size();
    *value = copied<berth_json_value>(position.value());
    set(iterator, ++position);
    return true;
}
