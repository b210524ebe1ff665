#include "binding/node_api.h"

#include <string>

#include "binding/environment.h"

namespace shardmap {

napi_value Throw(napi_env env, const Status& status) {
  const std::string_view code = CodeName(status.code());
  const std::string_view message = status.message();
  Environment* environment = Environment::Of(env);
  if (environment == nullptr || environment->fail().IsEmpty()) {
    Napi::Error::New(env, std::string(message)).ThrowAsJavaScriptException();
  } else {
    environment->fail().Call({Napi::String::New(env, code.data(), code.size()),
                              Napi::String::New(env, message.data(), message.size())});
  }
  return nullptr;
}

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

}  // namespace shardmap
