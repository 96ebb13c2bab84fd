// One listener for whatever the answer shows: copy buttons, and buttons that teach.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Where the page is not served from this machine or over HTTPS.
    const area = Object.assign(document.createElement('textarea'), { value: text });
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}
function say(text) {
  const place = document.getElementById('mh-said');
  if (place) place.textContent = text;
}
// On a phone the answer is below what was asked.
watch('value', () => {
  if (element.getBoundingClientRect().top > window.innerHeight / 2) element.scrollIntoView();
});
element.addEventListener('click', async (event) => {
  const button = event.target.closest('button');
  if (!button) return;
  if (button.dataset.copy !== undefined) {
    const done = await copy(button.dataset.copy);
    say(done ? `Copied ${button.dataset.copy}` : 'This browser does not let the page copy.');
    button.classList.toggle('mh-copied', done);
    setTimeout(() => button.classList.remove('mh-copied'), 1500);
  } else if (button.dataset.verdict) {
    for (const other of button.parentElement.querySelectorAll('[data-verdict]')) {
      other.setAttribute('aria-pressed', String(other === button));
    }
    const { hashtag, verdict } = button.dataset;
    trigger('teach', { answer: button.closest('[data-answer]').dataset.answer, hashtag, verdict });
  }
});
