//! DashMap behind the functions that maps/dash_map.h declares.

use dashmap::DashMap;
use std::hash::{BuildHasher, Hasher};
use std::slice;

type HashFunction = extern "C" fn(key: *const u8, bytes: usize) -> u64;

/// Hashes a key's bytes with the function that all maps of the bench share.
#[derive(Clone, Copy)]
struct KeyHasher {
    function: HashFunction,
    hash: u64,
}

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.hash = (self.function)(bytes.as_ptr(), bytes.len());
    }
    fn write_usize(&mut self, _: usize) {} // a slice's length, which comes before its bytes
    fn finish(&self) -> u64 {
        self.hash
    }
}

impl BuildHasher for KeyHasher {
    type Hasher = KeyHasher;
    fn build_hasher(&self) -> KeyHasher {
        *self
    }
}

type Map = DashMap<Box<[u8]>, f64, KeyHasher>;

unsafe fn key_of<'a>(key: *const u8, bytes: usize) -> &'a [u8] {
    slice::from_raw_parts(key, bytes)
}

#[no_mangle]
pub extern "C" fn dashmap_new(function: HashFunction) -> *mut Map {
    Box::into_raw(Box::new(Map::with_hasher(KeyHasher { function, hash: 0 })))
}

/// # Safety
/// `map` is from `dashmap_new`, and nobody uses it any more.
#[no_mangle]
pub unsafe extern "C" fn dashmap_drop(map: *mut Map) {
    drop(Box::from_raw(map));
}

/// # Safety
/// `key` has so many bytes.
#[no_mangle]
pub unsafe extern "C" fn dashmap_get(
    map: &Map,
    key: *const u8,
    bytes: usize,
    number: &mut f64,
) -> bool {
    match map.get(key_of(key, bytes)) {
        Some(entry) => {
            *number = *entry;
            true
        }
        None => false,
    }
}

/// # Safety
/// `key` has so many bytes.
#[no_mangle]
pub unsafe extern "C" fn dashmap_set(map: &Map, key: *const u8, bytes: usize, number: f64) {
    let key = key_of(key, bytes);
    // Found first, as an insertion wants a key of its own even for one that is there.
    if let Some(mut entry) = map.get_mut(key) {
        *entry = number;
        return;
    }
    map.insert(key.into(), number);
}

/// # Safety
/// `key` has so many bytes.
#[no_mangle]
pub unsafe extern "C" fn dashmap_delete(map: &Map, key: *const u8, bytes: usize) -> bool {
    map.remove(key_of(key, bytes)).is_some()
}
