package org.soundstream.demo;

import android.view.View;
import android.widget.AdapterView;
import java.util.function.IntConsumer;

/** Passes on the position of what is chosen. */
final class ItemChosen implements AdapterView.OnItemSelectedListener {
  private final IntConsumer action;

  ItemChosen(IntConsumer action) {
    this.action = action;
  }

  @Override
  public void onItemSelected(AdapterView<?> parent, View view, int position, long id) {
    action.accept(position);
  }

  @Override
  public void onNothingSelected(AdapterView<?> parent) {}
}
