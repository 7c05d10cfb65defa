// Light or dark as this browser was asked to show it, before anything is drawn.
"use strict";
try {
  const theme = localStorage.getItem("logradar-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch { /* a browser that keeps nothing shows what the system asks for */ }
document.documentElement.classList.add("script");
