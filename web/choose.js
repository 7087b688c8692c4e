'use strict';
// The list of networks on the page of the canvas.
for (const form of document.querySelectorAll('form.choose')) {
  form.addEventListener('change', () => { location.search = '?run=' + encodeURIComponent(form.elements.run.value); });
}
