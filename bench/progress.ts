/** Says on stderr what is being done: stdout is the table's alone. */
export function progress(what: string): void {
  console.error(`${new Date().toTimeString().slice(0, 8)} ${what}`);
}
