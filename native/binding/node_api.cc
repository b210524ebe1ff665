#include "binding/node_api.h"

#include <iterator>
#include <string_view>

#include "binding/environment.h"

namespace shardmap {

napi_value Throw(napi_env env, const Status& status) {
  bool is_pending = false;
  napi_is_exception_pending(env, &is_pending);
  if (is_pending) return nullptr;
  const napi_value error = ErrorOf(env, status);
  if (error != nullptr) napi_throw(env, error);
  return nullptr;
}

napi_value ErrorOf(napi_env env, const Status& status) {
  const auto text = [env](std::string_view chars) {
    napi_value value = nullptr;
    napi_create_string_utf8(env, chars.data(), chars.size(), &value);
    return value;
  };
  // Raw calls, which just fail while a thread is being terminated, where a wrapper's attempt to throw would abort.
  napi_value args[] = {text(CodeName(status.code())), text(status.message()), Undefined(env), Undefined(env)};
  if (const FilePlace* const place = status.place()) {
    args[2] = text(place->file);
    args[3] = ToJs(env, static_cast<double>(place->offset));
  }
  napi_value error = nullptr;
  const Environment* environment = Environment::Of(env);
  if (environment != nullptr && !environment->create_error().IsEmpty()) {
    napi_call_function(env, Undefined(env), environment->create_error().Value(), std::size(args), args, &error);
  } else {
    napi_create_error(env, args[0], args[1], &error);
  }
  return error;
}

napi_value ThrowClosed(napi_env env) { return Throw(env, Status(Code::kClosed, "This ShardMap is closed")); }

napi_value ToJs(napi_env env, double number) {
  napi_value result = nullptr;
  napi_create_double(env, number, &result);
  return result;
}

napi_value ToJs(napi_env env, bool value) {
  napi_value result = nullptr;
  napi_get_boolean(env, value, &result);
  return result;
}

napi_value Undefined(napi_env env) {
  napi_value result = nullptr;
  napi_get_undefined(env, &result);
  return result;
}

size_t ReadSize(napi_env env, napi_value value) {
  double number = 0;
  napi_get_value_double(env, value, &number);
  return number > 0 ? static_cast<size_t>(number) : 0;
}

const char* TypeName(napi_env env, napi_value value) {
  napi_valuetype type;
  napi_typeof(env, value, &type);
  switch (type) {
    case napi_undefined:
      return "undefined";
    case napi_null:
      return "null";
    case napi_boolean:
      return "boolean";
    case napi_number:
      return "number";
    case napi_string:
      return "string";
    case napi_symbol:
      return "symbol";
    case napi_function:
      return "function";
    case napi_bigint:
      return "bigint";
    default:
      return "object";
  }
}

void ReportPendingException(napi_env env) {
  bool is_pending = false;
  napi_value error = nullptr;
  if (napi_is_exception_pending(env, &is_pending) != napi_ok || !is_pending) return;
  if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
}

}  // namespace shardmap
