/** Every repetition has a limit, so that a line made to be slow is not. */
const secretName =
  '[\\w.-]{0,64}(?:password|passwd|passphrase|adminpass|secret|token|authorization|private_key|credential)[\\w.-]{0,64}';

/** `"adminPass":"…"`, at any depth of a line of JSON. */
const inJson = new RegExp(`"(${secretName})":"(?:[^"\\\\]|\\\\.)*"`, 'gi');
/** The same in JSON that is itself a text in the line, such as a logged body. */
const inQuotedJson = new RegExp(`\\\\"(${secretName})\\\\"\\s*:\\s*\\\\"(?:(?!\\\\").)*\\\\"`, 'gi');
/** `password=…`, as in commands and queries. */
const inAssignment = /\b([\w-]{0,64}(?:password|passwd|passphrase|secret|token))=(?!\*\*\*)[^\s"&\\]+/gi;
/** `amqp://user:…@host` */
const inUrl = /\b([a-z][a-z0-9+]{0,15}:\/\/[^\s:/@"]{0,256}:)[^\s/"]{1,512}@/gi;
/** A Fernet token begins with its version and the high bytes of a time; nothing else looks like it. */
const fernet = /\bgAAAA[\w-]{40,}={0,2}/g;

/** Takes what nobody may read out of a finished log line: by the names of fields, and by its looks. */
export function redact(line: string): string {
  return line
    .replace(inJson, '"$1":"***"')
    .replace(inQuotedJson, '\\"$1\\":\\"***\\"')
    .replace(inAssignment, '$1=***')
    .replace(inUrl, '$1***@')
    .replace(fernet, '***');
}
