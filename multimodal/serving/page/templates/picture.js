// The picture stays in this page and goes to the service inside of a question; no file is uploaded.
const most = MOST_BYTES;
function complain(text) {
  const problem = element.querySelector('.mh-problem');
  problem.textContent = text;
  problem.hidden = !text;
}
function take(file) {
  if (!file) return;
  if (!file.type.startsWith('image/')) {
    complain(`${file.name || 'That'} is not a picture; JPEG, PNG, WebP and others are accepted.`);
  } else if (file.size > most) {
    complain(`The picture has ${(file.size / 1e6).toFixed(1)} MB; at most ${(most / 1e6).toFixed(1)} MB are accepted.`);
  } else {
    const reader = new FileReader();
    reader.onload = () => { props.value = reader.result; };
    reader.onerror = () => complain('The picture cannot be read.');
    reader.readAsDataURL(file);
  }
}
element.addEventListener('change', (event) => take(event.target.files[0]));
element.addEventListener('click', (event) => {
  if (event.target.closest('.mh-remove')) props.value = null;
});
element.addEventListener('dragover', (event) => {
  event.preventDefault();
  element.classList.add('mh-over');
});
element.addEventListener('dragleave', () => element.classList.remove('mh-over'));
element.addEventListener('drop', (event) => {
  event.preventDefault();
  element.classList.remove('mh-over');
  take(event.dataTransfer.files[0]);
});
document.addEventListener('paste', (event) => {
  const file = [...(event.clipboardData?.files || [])].find((one) => one.type.startsWith('image/'));
  if (file) take(file);
});
