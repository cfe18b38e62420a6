// Scrolls to a place, once the page is long enough for it.
async ([x, y]) => {
  for (let tries = 0; tries < 20 && document.documentElement.scrollHeight < y + innerHeight; tries++)
    await new Promise((done) => setTimeout(done, 50));
  scrollTo(x, y);
}
