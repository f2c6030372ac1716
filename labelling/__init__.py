"""Labels by people: the page that shows photos, what people answer, how far they agree, and the manifest of it."""
