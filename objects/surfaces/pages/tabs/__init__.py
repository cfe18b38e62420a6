"""Tabs of the object's page that take more than a template: a module each, named like the tab, with a function `show`.

A tab that belongs to no facility is declared here too, as the module's TAB; that of a facility or kind is its `tab`
(`objects.commands.tabs`). Modules are found by name: nothing lists them.
"""
