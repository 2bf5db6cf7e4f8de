/**
 * Turns a subscription's pattern into a test for events, with the meaning that RabbitMQ's topic exchanges give it:
 * words are joined by dots, `*` is one word, `#` is any number of words, none included.
 */
export function topicMatcher(pattern: string): (event: string) => boolean {
  const words = pattern.split('.');
  return (event) => matches(words, 0, event.split('.'), 0);
}

function matches(pattern: string[], p: number, event: string[], e: number): boolean {
  if (p === pattern.length) return e === event.length;
  if (pattern[p] === '#')
    return matches(pattern, p + 1, event, e) || (e < event.length && matches(pattern, p, event, e + 1));
  return (
    e < event.length &&
    (pattern[p] === '*' || pattern[p] === event[e]) &&
    matches(pattern, p + 1, event, e + 1)
  );
}
