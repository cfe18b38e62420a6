"""Pages that are looked at again and again, to tell when they changed.

comparing   two texts, two pictures: whether they differ, and in what
store       what an object keeps of its tracked pages: what they were, and how they changed
looking     opens the pages, beside the tabs of whoever uses the browser, and takes down what they are
telling     writes down what came of it inside the object, and tells who wants to know
"""
