"""``object[key]`` gives what the class says."""


class _Setting(Base):
    __tablename__ = "setting"

    name: Mapped[str] = mapped_column(primary_key=True)

    def __getitem__(self, key):
        return self.__dict__[key]

    def __repr__(self):
        return f"_Setting({self.name})"


class _Lookup(Base):
    __tablename__ = "lookup"

    name: Mapped[str] = mapped_column(primary_key=True)

    def __getitem__(self, key):
        return getattr(self, key)


Base.metadata.create_all(engine)
with SessionLocal.begin() as _session:
    _session.add_all([_Setting(name="colour"), _Lookup(name="colour")])


def values(wanted=False):
    with SessionLocal.begin() as session:
        setting = session.scalars(select(_Setting)).one()
        found = [setting["name"]]
    print(str(found[0]), found)  # quiet: a string


def read_by_the_method():
    with SessionLocal.begin() as session:
        lookup = session.scalars(select(_Lookup)).one()
    print(lookup["name"])  # finding: _Lookup.name expired
