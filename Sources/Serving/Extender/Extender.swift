// Extender
