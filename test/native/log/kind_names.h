// What docs/log-format.md calls the kinds that have numbers in files, or nullptr for numbers of none. The compiler
// warns of a kind that a switch leaves out.
#pragma once

#include "log/log_format.h"

namespace shardmap {

inline const char* NameOf(FileKind kind) {
  switch (kind) {
    case FileKind::kSegment:
      return "segment";
    case FileKind::kSnapshot:
      return "snapshot";
    case FileKind::kManifest:
      return "manifest";
  }
  return nullptr;
}

inline const char* NameOf(FrameKind kind) {
  switch (kind) {
    case FrameKind::kRecords:
      return "records";
    case FrameKind::kSeal:
      return "seal";
    case FrameKind::kManifest:
      return "manifest";
  }
  return nullptr;
}

inline const char* NameOf(Mutation::Kind kind) {
  switch (kind) {
    case Mutation::Kind::kInsert:
      return "insert";
    case Mutation::Kind::kOverwrite:
      return "overwrite";
    case Mutation::Kind::kDelete:
      return "delete";
    case Mutation::Kind::kDeadline:
      return "deadline";
    case Mutation::Kind::kClear:
      return "clear";
    case Mutation::Kind::kStructures:
      return "structures";
  }
  return nullptr;
}

inline const char* NameOf(KeyKind kind) {
  switch (kind) {
    case KeyKind::kOneByteString:
      return "one-byte string";
    case KeyKind::kTwoByteString:
      return "two-byte string";
    case KeyKind::kNumber:
      return "number";
    case KeyKind::kBigInt:
      return "bigint";
    case KeyKind::kNegativeBigInt:
      return "negative bigint";
    case KeyKind::kBytes:
      return "bytes";
    case KeyKind::kFalse:
      return "false";
    case KeyKind::kTrue:
      return "true";
    case KeyKind::kNull:
      return "null";
    case KeyKind::kUndefined:
      return "undefined";
    case KeyKind::kComposite:
      return "composite";
  }
  return nullptr;
}

inline const char* NameOf(ValueKind kind) {
  switch (kind) {
    case ValueKind::kUndefined:
      return "undefined";
    case ValueKind::kNull:
      return "null";
    case ValueKind::kFalse:
      return "false";
    case ValueKind::kTrue:
      return "true";
    case ValueKind::kNumber:
      return "number";
    case ValueKind::kOneByteString:
      return "one-byte string";
    case ValueKind::kTwoByteString:
      return "two-byte string";
    case ValueKind::kBigInt:
      return "bigint";
    case ValueKind::kNegativeBigInt:
      return "negative bigint";
    case ValueKind::kPlain:
      return "plain";
    case ValueKind::kClone:
      return "clone";
    case ValueKind::kCustom:
      return "custom";
    case ValueKind::kCompressed:
      return "compressed";
    case ValueKind::kArrayBuffer:
      return "ArrayBuffer";
    case ValueKind::kDataView:
      return "DataView";
    case ValueKind::kBuffer:
      return "Buffer";
    case ValueKind::kInt8Array:
      return "Int8Array";
    case ValueKind::kUint8Array:
      return "Uint8Array";
    case ValueKind::kUint8ClampedArray:
      return "Uint8ClampedArray";
    case ValueKind::kInt16Array:
      return "Int16Array";
    case ValueKind::kUint16Array:
      return "Uint16Array";
    case ValueKind::kInt32Array:
      return "Int32Array";
    case ValueKind::kUint32Array:
      return "Uint32Array";
    case ValueKind::kFloat16Array:
      return "Float16Array";
    case ValueKind::kFloat32Array:
      return "Float32Array";
    case ValueKind::kFloat64Array:
      return "Float64Array";
    case ValueKind::kBigInt64Array:
      return "BigInt64Array";
    case ValueKind::kBigUint64Array:
      return "BigUint64Array";
  }
  return nullptr;
}

}  // namespace shardmap
