'use strict';
// Pages that change while a run trains. What they show comes from the server, which reads what is on disk.
(function () {
  // replaced asks for an address and puts the part of it that is wanted in place of what is shown, if it has changed.
  async function replace(element, address, part) {
    const answer = await fetch(address);
    if (!answer.ok) return;
    let html = await answer.text();
    if (part) html = new DOMParser().parseFromString(html, 'text/html').querySelector(part).innerHTML;
    if (element.shown === html) return;
    element.shown = html;
    const open = Array.from(element.querySelectorAll('details'), (d) => d.open); // what one has opened stays open
    element.innerHTML = html;
    element.querySelectorAll('details').forEach((d, i) => { d.open = Boolean(open[i]); });
  }

  for (const element of document.querySelectorAll('[data-refresh]')) {
    setInterval(() => {
      if (!document.hidden && !element.contains(document.activeElement)) replace(element, location.href, '[data-refresh]').catch(() => {});
    }, 1000 * element.dataset.refresh);
  }

  for (const live of document.querySelectorAll('[data-events]')) follow(live);

  function follow(live) {
    const section = document.getElementById('section');
    const bar = live.querySelector('progress');
    const text = live.querySelector('.live-text');
    const epochs = Number(live.dataset.epochs);
    const events = new EventSource(live.dataset.events);
    let waiting = false, again = false;

    // refresh shows the section anew, once a second at most.
    async function refresh() {
      if (waiting) { again = true; return; }
      waiting = true;
      await replace(section, live.dataset.section).catch(() => {});
      setTimeout(() => { waiting = false; if (again) { again = false; refresh(); } }, 1000);
    }

    events.addEventListener('progress', (e) => {
      const p = JSON.parse(e.data);
      bar.hidden = false;
      bar.value = epochs ? (p.epoch - 1 + p.images / p.of) / epochs : 0;
      text.textContent = 'epoch ' + p.epoch + (epochs ? ' of ' + epochs : '') + ', ' + p.images.toLocaleString('en') + ' of ' + p.of.toLocaleString('en') +
        ' images, loss ' + p.loss.toFixed(4) + ', accuracy ' + p.acc.toFixed(3);
      refresh();
    });
    events.addEventListener('epoch', refresh);
    events.addEventListener('trial', refresh);
    events.addEventListener('state', (e) => {
      if (JSON.parse(e.data).state === 'running') return;
      events.close();
      live.remove();
      refresh();
    });
  }
})();
