// What on this page has no name for a screen reader, is too small for a finger, or comes twice.
const faults = [];
const seen = [...document.querySelectorAll('a, button, input, select, textarea, summary, [role="img"], video')]
  .filter((node) => node.checkVisibility() && !node.classList.contains('skip'));
for (const node of seen) {
  const labels = [...(node.labels ?? [])].map((label) => label.innerText);
  const name = [node.getAttribute('aria-label'), ...labels, node.innerText, node.querySelector?.('img')?.alt].join('').trim();
  if (!name) faults.push(`${node.outerHTML.slice(0, 120)} has no name`);
  const inText = node.tagName === 'A' && !node.matches('nav a, .button, .open, .brand');
  const target = node.closest('label') ?? node;
  if (!inText && !node.matches('canvas, svg, video') && target.getBoundingClientRect().height < 44) {
    faults.push(`${node.outerHTML.slice(0, 120)} is ${target.getBoundingClientRect().height} pixels high`);
  }
}
const ids = [...document.querySelectorAll('[id]')].map((node) => node.id);
for (const id of ids.filter((id, index) => ids.indexOf(id) !== index)) faults.push(`the id ${id} is there twice`);
for (const node of document.querySelectorAll('img')) if (!node.hasAttribute('alt')) faults.push('a picture has no alt');
for (const tag of ['h1', 'main', 'header', 'nav']) if (!document.querySelector(tag)) faults.push(`there is no ${tag}`);
return faults;
