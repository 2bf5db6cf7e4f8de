import { pipeline, type Readable, Transform } from 'node:stream';

/**
 * A stream that is an error where it is not as long as the answer's head says: what is missing would be made up of the
 * connection's next answer, and what is too much would be taken for its beginning.
 *
 * @param ended told how it came to its end: with the error, if there was one; a client that went away is none
 */
export function exactly(bytes: Readable, length: number, ended: (error?: Error) => void): Readable {
  let left = length;
  const checked = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      left -= chunk.length;
      if (left < 0) done(new Error(`the data is longer than the ${length} bytes that it was to have`));
      else done(null, chunk);
    },
    flush(done) {
      done(left > 0 ? new Error(`the data ended ${left} bytes before its end`) : null);
    },
  });
  pipeline(bytes, checked, (error) => {
    const gone = error?.code === 'ERR_STREAM_PREMATURE_CLOSE' && checked.errored === null;
    ended(error && !gone ? error : undefined);
  });
  return checked;
}
