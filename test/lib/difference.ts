/**
 * Tells what differs between two values that should be copies of one: types, contents, order, and who refers to whom. A
 * Buffer in the first may be a Uint8Array in the second, as `structuredClone` has it.
 */

const { getPrototypeOf, is } = Object;

/** The path to the first difference with a few words, or undefined where there is none. */
export function difference(a: unknown, b: unknown): string | undefined {
  return new Comparison().find(a, b, 'value');
}

class Comparison {
  readonly #partners = new Map<object, object>();
  readonly #partnersBack = new Map<object, object>();

  find(a: unknown, b: unknown, path: string): string | undefined {
    if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) {
      return is(a, b) ? undefined : `${path}: ${String(a)} and ${String(b)}`;
    }
    const isMet = this.#partners.has(a);
    if (!this.#pair(a, b)) return `${path}: refers to another object`;
    if (isMet) return undefined;
    const isSameClass = getPrototypeOf(a) === getPrototypeOf(b) || (Buffer.isBuffer(a) && b instanceof Uint8Array);
    if (!isSameClass) return `${path}: ${nameOf(a)} and ${nameOf(b)}`;
    return this.#findInside(a, b, path) ?? this.#findInProperties(a, b, path);
  }

  /** Notes that the two stand for each other; false where one of them stands for another. */
  #pair(a: object, b: object): boolean {
    if (this.#partners.has(a) || this.#partnersBack.has(b)) return this.#partners.get(a) === b;
    this.#partners.set(a, b);
    this.#partnersBack.set(b, a);
    return true;
  }

  #findInside(a: object, b: object, path: string): string | undefined {
    if (ArrayBuffer.isView(a)) return this.#findInView(a, b as ArrayBufferView, path);
    if (a instanceof ArrayBuffer) return differenceOfBytes(new Uint8Array(a), new Uint8Array(b as ArrayBuffer), path);
    if (a instanceof Date) return this.find(a.getTime(), (b as Date).getTime(), `${path}.getTime()`);
    if (a instanceof RegExp) return this.find(String(a), String(b), `${path}.toString()`);
    if (a instanceof Error) return this.#findInError(a, b as Error, path);
    if (a instanceof Map || a instanceof Set) return this.find([...a], [...(b as Set<unknown>)], `${path} entries`);
    const isBoxed = a instanceof Number || a instanceof String || a instanceof Boolean || a instanceof BigInt;
    return isBoxed ? this.find(a.valueOf(), b.valueOf(), `${path}.valueOf()`) : undefined;
  }

  /** Views that share memory must do so on both sides. Buffers may share Node's pool. */
  #findInView(a: ArrayBufferView, b: ArrayBufferView, path: string): string | undefined {
    if (!Buffer.isBuffer(a) && !this.#pair(a.buffer, b.buffer)) return `${path}: shares other memory`;
    return differenceOfBytes(bytesOf(a), bytesOf(b), path);
  }

  #findInError(a: Error, b: Error, path: string): string | undefined {
    for (const name of ['name', 'message', 'stack', 'cause'] as const) {
      if (name in a !== name in b) return `${path}: ${name} on one side`;
      const found = this.find(a[name], b[name], `${path}.${name}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #findInProperties(a: object, b: object, path: string): string | undefined {
    if (ArrayBuffer.isView(a) || a instanceof Error) return undefined;
    const names = Object.keys(a);
    const others = Object.keys(b);
    const areSame = names.length === others.length && names.every((name, index) => others[index] === name);
    if (!areSame) return `${path}: properties ${names.join()} and ${others.join()}`;
    if (Array.isArray(a) && a.length !== (b as unknown[]).length) return `${path}: length`;
    for (const name of names) {
      const inner = `${path}[${JSON.stringify(name)}]`;
      const found = this.find((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name], inner);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function differenceOfBytes(a: Uint8Array, b: Uint8Array, path: string): string | undefined {
  return Buffer.compare(a, b) === 0 ? undefined : `${path}: bytes ${a.join()} and ${b.join()}`;
}

function nameOf(value: object): string {
  return getPrototypeOf(value)?.constructor?.name ?? 'no class';
}
