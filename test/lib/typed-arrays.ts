/** The classes of typed arrays that this engine has. */

type TypedArrayClass = (new (
  buffer: ArrayBufferLike,
  byteOffset?: number,
  length?: number,
) => ArrayBufferView) & { readonly name: string; readonly BYTES_PER_ELEMENT: number };

export const typedArrayClasses = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  ...('Float16Array' in globalThis ? [(globalThis as unknown as { Float16Array: TypedArrayClass }).Float16Array] : []),
] as unknown as readonly TypedArrayClass[];
