// Copies words. It reads nothing from the clipboard.

/** Puts words into the clipboard; the old way where the new one is kept for https. */
export async function put(words) {
  try {
    await navigator.clipboard.writeText(words);
    return true;
  } catch {
    const field = document.createElement('textarea');
    field.value = words;
    field.className = 'aside';
    const focused = document.activeElement;
    document.body.append(field);
    field.select();
    const done = document.execCommand('copy');
    field.remove();
    focused?.focus();
    return done;
  }
}
