// Gives the links of the page: text, address.
() => [...document.querySelectorAll("a[href]")].slice(0, 5000)
  .map((each) => [each.innerText.trim().replace(/\s+/g, " ").slice(0, 200), each.href])
