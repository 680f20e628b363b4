// Server-sent events, taken apart. Pure. The browser's own EventSource is not used: it hides why a connection was
// refused, when it will try again, and a line that went silent.

/** Bytes that an event may have; more is a broken line. */
const LONGEST = 8 << 20;

/** A reader: give it pieces of text as they come, and it returns the events that are complete. */
export function reader() {
  let rest = '';
  let event = empty();
  return function read(piece) {
    rest += piece;
    if (rest.length > LONGEST) throw new RangeError('an event is too long');
    const events = [];
    let begin = 0;
    for (;;) {
      const end = rest.indexOf('\n', begin);
      if (end < 0) break;
      const line = rest.slice(begin, rest[end - 1] === '\r' ? end - 1 : end);
      begin = end + 1;
      if (line === '') {
        if (event.data.length > 0) events.push({ type: event.type || 'message', id: event.id, data: event.data.join('\n') });
        event = empty();
        continue;
      }
      const colon = line.indexOf(':');
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (name === 'event') event.type = value;
      else if (name === 'data') event.data.push(value);
      else if (name === 'id' && !value.includes('\0')) event.id = value;
    }
    rest = rest.slice(begin);
    return events;
  };
}

function empty() {
  return { type: '', id: null, data: [] };
}
