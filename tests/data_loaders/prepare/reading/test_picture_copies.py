from data_loaders.prepare.reading.picture_copies import PictureCopies


def test_the_same_picture_is_written_once(tmp_path):
    copies = PictureCopies(tmp_path)
    assert copies.notes() == []
    first, second = copies.add(b"\xff\xd8\xff picture"), copies.add(b"\xff\xd8\xff picture")
    assert first == second
    assert first.startswith("copied_pictures/")
    assert first.endswith(".jpg")
    assert (tmp_path / first).read_bytes() == b"\xff\xd8\xff picture"
    assert copies.add(b"anything else") != first
    assert (copies.count, copies.bytes) == (2, 24)
    assert copies.notes()[0].startswith("2 pictures from inside of archives or tables were copied to copied_pictures/")
