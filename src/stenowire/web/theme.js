// Dark or light: as the system says, until the person says otherwise.

const PLACE = "stenowire.theme";
const system = matchMedia("(prefers-color-scheme: dark)");

export function startTheme(button) {
  const show = () => {
    const dark = isDark();
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    button.setAttribute("aria-pressed", String(dark));
  };
  button.addEventListener("click", () => {
    const wanted = isDark() ? "light" : "dark";
    if (wanted === (system.matches ? "dark" : "light")) localStorage.removeItem(PLACE);
    else localStorage.setItem(PLACE, wanted);
    show();
  });
  system.addEventListener("change", show);
  show();
}

function isDark() {
  const chosen = localStorage.getItem(PLACE);
  return chosen ? chosen === "dark" : system.matches;
}
