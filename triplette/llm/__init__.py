"""Language models behind one client: asked with patience and a budget, answered once, kept."""
