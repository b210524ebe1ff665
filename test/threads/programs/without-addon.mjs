// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// Imports the library from a folder where no binary is: the copy that the first argument names.
try {
  await import(process.argv[2]);
  console.log('imported');
} catch (error) {
  console.log(JSON.stringify({ name: error.name, code: error.code, hasCause: error.cause instanceof Error }));
}
